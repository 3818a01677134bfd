import { renameSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

// A surface and its evaluator put where they belong.
//
//   W1. Both are written aside and moved into place whole, one after the other without a pause: an interruption leaves nothing of them.
//   W2. What is there already stays, unless it was asked for that it go.

/** Files by path. */
export type Files = Readonly<Record<string, string>>;

const SPARED = '*\n'; // keeps what runs make out of git without touching the repository's own .gitignore

/** Whether a folder of that name is taken, and which. */
export async function takenBy(root: string, name: string): Promise<string | null> {
  for (const kind of ['surfaces', 'evaluators']) if (await stat(join(root, kind, name)).then(() => true, () => false)) return `${kind}/${name}`;
  return null;
}

/** Lays out a surface and an evaluator of one name. */
export async function layOut(root: string, name: string, surface: Files, evaluator: Files): Promise<void> {
  const own = join(root, '.brigade');
  await ignored(own);
  await ignored(join(root, 'runs'));
  for (const left of (await readdir(own)).filter((entry) => /^init-\d+-/.test(entry) && !isAlive(Number(entry.split('-')[1])))) await rm(join(own, left), { recursive: true, force: true }); // of one that was interrupted
  const aside = await mkdtemp(join(own, `init-${process.pid}-`));
  try {
    for (const [kind, files] of [['surfaces', surface], ['evaluators', evaluator]] as const) {
      await mkdir(join(root, kind), { recursive: true });
      for (const [path, text] of Object.entries(files)) {
        const at = join(aside, kind, path);
        await mkdir(dirname(at), { recursive: true });
        await writeFile(at, text);
      }
    }
    const old = await Promise.all(['evaluators', 'surfaces'].map((kind) => stat(join(root, kind, name)).then(() => true, () => false)));
    for (const [i, kind] of ['evaluators', 'surfaces'].entries()) { // W1: nothing is awaited here
      if (old[i]) renameSync(join(root, kind, name), join(aside, `old-${kind}`)); // W2
      renameSync(join(aside, kind), join(root, kind, name));
    }
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try { return process.kill(pid, 0); } catch (error) { return (error as NodeJS.ErrnoException).code === 'EPERM'; }
}

async function ignored(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (!(await readdir(folder)).includes('.gitignore')) await writeFile(join(folder, '.gitignore'), SPARED);
}
