import { chmodSync, cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { runLogged } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { filesUnder, hashFiles } from './state.mjs';

/** Installs the npm packages exactly as package-lock.json has them. */
export async function installPackages(context) {
  const { root, again } = context;
  if (!again && isInstalled(root)) return { line: 'node packages', did: false };
  context.doing('node packages: npm ci');
  const npm = (process.env.npm_execpath ?? '').endsWith('npm-cli.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const problem = await context.run('packages', [...npm, 'ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'], 10 * 60_000);
  if (problem) throw new SetupFailure(`npm ci in ${root}: ${problem}`, 'is the npm registry reachable (npm ping)? Then run npm run setup again', context.log('packages'));
  return { line: 'node packages', did: true };
}

/** npm writes its hidden lock last, so one that agrees with ours is a finished install. */
function isInstalled(root) {
  try {
    const wanted = packagesIn(join(root, 'package-lock.json'));
    const found = packagesIn(join(root, 'node_modules', '.package-lock.json'));
    return Object.entries(wanted).every(([path, { version, optional, devOptional, link }]) => (path in found ? found[path].version === version : optional || devOptional || link))
      && Object.keys(found).every((path) => path in wanted);
  } catch {
    return false;
  }
}

function packagesIn(file) {
  const { '': self, ...packages } = JSON.parse(readFileSync(file, 'utf8')).packages;
  return packages;
}

/** Compiles src/ into dist/, and copies what the sources read at run time beside it. */
export async function build(context) {
  const { root, again, state } = context;
  const source = join(root, 'src');
  const key = hashFiles(root, [source, join(root, 'tsconfig.json'), join(root, 'package-lock.json')]);
  if (!again && state.mark('build')?.key === key && existsSync(join(root, 'dist'))) return { line: 'build', did: false };
  context.doing('compiling');
  state.begin('build');
  const [next, old] = [join(root, 'dist.next'), join(root, 'dist.old')];
  for (const folder of [next, old]) rmSync(folder, { recursive: true, force: true });
  const problem = await context.run('build', [process.execPath, join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.json', '--outDir', next], 20 * 60_000);
  if (problem) throw new SetupFailure(`tsc: ${problem}`, problem.startsWith('no end') ? 'this machine is too busy to compile: run it again when it is less so' : 'the sources do not compile: undo local changes, or mend what the log names', context.log('build'));
  for (const file of filesUnder(source).filter((name) => !/\.(ts|md)$/.test(name))) cpSync(file, join(next, relative(source, file)));
  const program = join(next, 'main.js');
  if (existsSync(program)) chmodSync(program, 0o755); // what links to it is run as a program
  if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old);
  renameSync(next, join(root, 'dist'));
  rmSync(old, { recursive: true, force: true });
  state.finish('build', { key });
  return { line: 'build', did: true };
}
