import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

/** Ends the output with one plain line that any CI can read: `12 passed, 0 failed`. */
export default class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') count.passed++;
        else if (state === 'failed') count.failed++;
        else count.skipped++;
      }
      // A file that does not load, or whose hooks fail, has no failed test to count.
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) count.failed++;
    }
    const skipped = count.skipped > 0 ? `${count.skipped} skipped, each saying above what it wants\n` : '';
    process.once('exit', () => process.stdout.write(`${skipped}${count.passed} passed, ${count.failed} failed\n`));
  }
}
