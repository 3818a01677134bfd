import { execFile } from 'node:child_process';
import { BadSurface } from './bad-surface.ts';

// A record's script that carries itself compressed, as plain Python again.
//
//   K1. Nothing of it is run: its one long literal is found in its syntax tree, decoded and decompressed.
//   K2. The text is written one statement a line, as Python's own printer does, so that a patch of it can be read.
//   K3. Strings inside f-strings get the other quotation marks where an older Python needs them; the program stays the same.

const MOST_BYTES = 8_000_000; // of text; a script is tens of kilobytes, and a bomb is not
const PROGRAM = `
import ast, base64, lzma, sys
text = sys.stdin.buffer.read().decode("utf-8")
tree = ast.parse(text)

def plain(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)) else None

packed = [(node.func.attr, plain(node.args[0])) for node in ast.walk(tree)
          if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("b85decode", "a85decode", "b64decode")
          and node.args and plain(node.args[0]) is not None]
if len(packed) != 1:
    sys.exit("it holds %d packed literals, not one" % len(packed))
raw = getattr(base64, packed[0][0])(packed[0][1])
source = None
for how in (dict(), dict(format=lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2}])):
    try:
        source = lzma.LZMADecompressor(**how).decompress(raw, ${MOST_BYTES}).decode("utf-8")
        break
    except (lzma.LZMAError, UnicodeDecodeError):
        continue
if source is None:
    sys.exit("it is packed in a way not known here")

def requote(code):
    out, stack, i = [], [], 0
    while i < len(code):
        c = code[i]
        top = stack[-1] if stack else None
        if top and top[0] == "string":
            if c == "\\\\":
                out.append(code[i:i + 2]); i += 2; continue
            if c == "{" and top[2]:
                if code[i + 1:i + 2] == "{":
                    out.append("{{"); i += 2; continue
                stack.append(("hole", top[1]))
            elif code.startswith(top[1], i):
                out.append(top[3]); i += len(top[1]); stack.pop(); continue
            out.append(c); i += 1; continue
        if top and c == "}":
            stack.pop()
        elif top and c in "{[(":
            stack.append(("nest", top[1]))
        elif top and c in "])":
            stack.pop()
        elif c == "#" and not stack:
            end = code.find("\\n", i)
            end = len(code) if end < 0 else end
            out.append(code[i:end]); i = end; continue
        elif c in "\\"'":
            quote = code[i:i + 3] if code[i:i + 3] in ('"""', "'''") else c
            around = [each[1] for each in stack]
            shown = ("'" if quote == '"' else '"') if len(quote) == 1 and quote in around else quote
            before = code[max(0, i - 2):i].lower()
            word = "".join(ch for ch in before[::-1].split(" ")[0][::-1] if ch.isalpha())
            stack.append(("string", quote, word.endswith("f") or "f" in word[-2:], shown))
            out.append(shown); i += len(quote); continue
        out.append(c); i += 1
    return "".join(out)

try:
    read = ast.parse(source)
except SyntaxError:
    read = ast.parse(requote(source))
sys.stdout.buffer.write((ast.unparse(read) + "\\n").encode("utf-8"))
`;

/** The plain text of a packed script. Throws `BadSurface` when it is packed otherwise, or not at all. */
export function unpack(python: string, shown: string, script: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(python, ['-I', '-S', '-X', 'utf8', '-c', PROGRAM], { env: {}, cwd: '/', maxBuffer: 2 * MOST_BYTES, timeout: 60_000, killSignal: 'SIGKILL' }, (error, out, said) => { // K1
      if (error) reject(new BadSurface([`${shown} cannot be unpacked: ${said.trim().split('\n').at(-1) || error.message}. Choose another start.`], { cause: error }));
      else resolve(out);
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(script);
  });
}
