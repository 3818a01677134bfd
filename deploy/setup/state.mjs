import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Writes a file so that a reader, or a restart after a power cut, sees the old contents or the new. */
export function writeWhole(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  const handle = openSync(draft, 'w');
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
}

/** What set-up has finished in this checkout, kept in .brigade/setup.json. A checkout that was moved starts anew: virtual environments hold absolute paths. */
export function openState(root, brigade) {
  const file = join(root, '.brigade', 'setup.json');
  let state = { root, brigade, pins: null, steps: {} };
  if (existsSync(file)) {
    try {
      const found = JSON.parse(readFileSync(file, 'utf8'));
      if (found.root === root && typeof found.steps === 'object' && found.steps) state = { ...state, steps: found.steps, pins: found.pins ?? null };
    } catch { /* an unreadable file is an unfinished set-up */ }
  }
  const save = () => writeWhole(file, `${JSON.stringify(state, null, 2)}\n`);
  return {
    mark: (step) => state.steps[step] ?? null,
    /** Forgets a step before it is done again, so that being killed in the middle is never taken for done. */
    begin(step) {
      delete state.steps[step];
      save();
    },
    finish(step, mark) {
      if (JSON.stringify(state.steps[step]) === JSON.stringify(mark)) return;
      state.steps[step] = structuredClone(mark);
      save();
    },
    /** Says that every step was once finished by these pins. */
    finishAll(pins) {
      if (state.pins === pins) return;
      state.pins = pins;
      save();
    },
  };
}

/** SHA-256 of a text. */
export function hashText(text) {
  return createHash('sha256').update(text).digest('hex');
}

/** SHA-256 over the names and contents of files and of everything in folders. */
export function hashFiles(root, paths) {
  const hash = createHash('sha256');
  for (const file of paths.flatMap((path) => filesUnder(path)).sort()) hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/** Every file under a folder, or the file itself; nothing when it does not exist. */
export function filesUnder(path) {
  if (!existsSync(path)) return [];
  try {
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/__pycache__|\.pyc$/.test(join(entry.parentPath, entry.name)))
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path];
    throw error;
  }
}
