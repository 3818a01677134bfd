import type { Paint } from './terminal.ts';

/** A diff for a terminal, its lines coloured by what they do; control characters in it do nothing. */
export const paintDiff = (patch: string, paint: Paint): string =>
  (patch === '' ? '' : `${patch.replace(/\n$/, '').split('\n').map((raw) => {
    const line = raw.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
    if (/^(---|\+\+\+) /.test(line)) return paint('strong', line);
    return line.startsWith('@@') ? paint('quiet', line) : line.startsWith('+') ? paint('good', line) : line.startsWith('-') ? paint('bad', line) : line;
  }).join('\n')}\n`);
