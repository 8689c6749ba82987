import Mocha from 'mocha';
import { report } from './eyes.ts';

/** The results are counted above; mocha itself prints nothing. */
class Silent extends Mocha.reporters.Base {}

/** VS Code calls this inside its extension host. What came out goes to the eyes, which also see a host that crashes. */
export async function run(): Promise<void> {
  // `MESHLOOM_TEST_GREP='drift|watch' npm run test:editor` runs only what has these words in its title.
  const grep = process.env.MESHLOOM_TEST_GREP;
  const mocha = new Mocha({
    ui: 'bdd',
    timeout: 30_000,
    slow: 5_000,
    reporter: Silent,
    ...(grep && { grep: new RegExp(grep) }),
  });
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  const summary = {
    passed: 0,
    failed: 0,
    skipped: 0,
    skippedTitles: [] as string[],
    failures: [] as { title: string; message: string }[],
  };
  try {
    await import('./suite.ts');
    await new Promise<void>((resolve) => {
      mocha
        .run(() => {
          resolve();
        })
        .on('pass', (test) => {
          summary.passed++;
          console.log(`ok · ${test.fullTitle()} (${test.duration ?? 0} ms)`);
        })
        .on('pending', (test) => {
          summary.skipped++;
          summary.skippedTitles.push(test.fullTitle());
        })
        .on('fail', (test, error: Error) => {
          summary.failed++;
          summary.failures.push({ title: test.fullTitle(), message: error.stack ?? error.message });
          console.log(`FAILED · ${test.fullTitle()}: ${error.message}`);
        });
    });
  } catch (error) {
    summary.failed++;
    summary.failures.push({
      title: 'the suite loads',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
  await report(summary);
}
