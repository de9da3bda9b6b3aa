import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../config.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import { RECOMMENDED_BUNDLE, recommendedDownload } from '../encode/recommended.ts';
import { SIGNAL } from '../encode/signal/bundle.ts';
import { printStartupBanner } from './startup-banner.ts';

test('the banner of the built-in bundle names the command for a better one, in the form that takes effect', (context) => {
  const write = context.mock.method(process.stdout, 'write', () => true);
  const banner = (bundle: BundleInfo, environment: Record<string, string> = {}) => {
    write.mock.resetCalls();
    const config = readConfig({}, { REELVEC_DATA_DIR: '/srv/my data', ...environment });
    printStartupBanner({ address: null, config, bundle, runsModels: false });
    return String(write.mock.calls[0]?.arguments[0]);
  };
  const banners = [
    banner(SIGNAL),
    banner(SIGNAL, { REELVEC_BUNDLE: 'signal' }),
    banner({ ...SIGNAL, name: 'mine' }, { REELVEC_BUNDLE: 'mine' }),
  ];
  write.mock.restore();
  const [chosen, set, other] = banners;
  assert.ok(chosen!.includes(`transcription of speech (${recommendedDownload()} of models)`), chosen);
  assert.match(chosen!, new RegExp(`models use ${RECOMMENDED_BUNDLE} --data-dir "/srv/my data"\n.*and restart\\.\n`));
  // A setting would win over the choice.
  assert.match(
    set!,
    new RegExp(`models pull ${RECOMMENDED_BUNDLE} .*\n.*restart with REELVEC_BUNDLE=${RECOMMENDED_BUNDLE}`),
  );
  assert.doesNotMatch(other!, /models (use|pull)/);
});
