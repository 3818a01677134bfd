import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

// Python's own opinion of a source.
//
//   C1. A source is compiled, never run; the child has no site packages, no environment and no working directory of ours on its path.
//   C2. A source that kills or hangs the compiler is refused, and the next one finds a fresh child.
//   C3. What is too long is told by the compiler's own CPU seconds: a crowded machine refuses nobody.

/** Compiles sources in a child that stays warm. */
export interface Compiler extends AsyncDisposable {
  check(path: string, source: string): Promise<Verdict>;
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly line: number; readonly message: string };

const MOST_CPU_SECONDS = 5; // a recipe's file compiles in milliseconds; what takes longer was written to
const PATIENCE_MS = 60_000; // a compiler that neither computes nor answers waits for a machine, or a disk, that is gone
const PROGRAM = `
import json, resource, sys, time, warnings
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
warnings.simplefilter("ignore")
for line in sys.stdin:
    path, source = json.loads(line)
    soft = int(time.process_time()) + 1 + ${MOST_CPU_SECONDS}
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
    try:
        compile(source.encode("utf-8"), path, "exec", dont_inherit=True)
        answer = None
    except SyntaxError as error:
        answer = [error.lineno or 1, error.msg]
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        answer = [1, "%s: %s" % (type(error).__name__, str(error) or "nested too deeply")]
    sys.stdout.write(json.dumps(answer) + "\\n")
    sys.stdout.flush()
`;

interface Child { readonly process: ChildProcess; readonly answers: AsyncIterator<string, undefined>; readonly ended: Promise<string> }

/** Starts with the first question; `python` is any interpreter of the version the recipe will run on. */
export function openCompiler(python: string): Compiler {
  let child: Child | null = null;
  let last: Promise<unknown> = Promise.resolve();

  const start = (): Child => {
    const started = spawn(python, ['-I', '-S', '-u', '-X', 'utf8', '-c', PROGRAM], { stdio: ['pipe', 'pipe', 'ignore'], env: {}, cwd: '/' }); // C1
    started.stdin?.on('error', () => undefined); // a dead child is seen by its end, not by a broken pipe
    const ended = new Promise<string>((resolve) => {
      started.once('error', (error) => resolve(`${python} could not be started: ${error.message}`));
      started.once('exit', (code, signal) => resolve(signal === 'SIGXCPU' ? `Python's compiler took longer than ${MOST_CPU_SECONDS} s of CPU` : signal ? `Python's compiler was ended by ${signal}` : `Python's compiler ended with code ${code}`));
    });
    return { process: started, answers: createInterface({ input: started.stdout })[Symbol.asyncIterator](), ended };
  };

  const ask = async (path: string, source: string): Promise<Verdict> => {
    child ??= start();
    const asked = child;
    asked.process.stdin?.write(`${JSON.stringify([path, source])}\n`);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => { timer = setTimeout(() => resolve(`Python's compiler took longer than ${PATIENCE_MS / 1000} s`), PATIENCE_MS); });
    const heard = async (): Promise<string | { readonly said: string }> => {
      const { value, done } = await asked.answers.next();
      return done ? asked.ended : { said: value };
    };
    const answer = await Promise.race([heard(), late]);
    clearTimeout(timer);
    if (typeof answer === 'string') { // C2
      asked.process.kill('SIGKILL');
      child = null;
      return { ok: false, line: 1, message: answer };
    }
    const error = JSON.parse(answer.said) as [line: number, message: string] | null;
    return error ? { ok: false, line: error[0], message: error[1] } : { ok: true };
  };

  return {
    check(path, source) {
      const answer = last.then(() => ask(path, source));
      last = answer.catch(() => undefined);
      return answer;
    },
    async [Symbol.asyncDispose]() {
      await last;
      const closing = child;
      child = null;
      if (!closing) return;
      closing.process.kill('SIGKILL');
      await closing.ended;
    },
  };
}
