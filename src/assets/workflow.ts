import { defineWorkflow, type Workflow } from 'openworkflow';
import type { InFlightSteps } from '../jobs/in-flight-steps.ts';
import { type PrepareDeps, prepareAsset } from './prepare.ts';

/** Defines the durable workflow that takes an asset from `processing` to `ready` or `failed`. */
export function prepareAssetWorkflow(deps: PrepareDeps, steps: InFlightSteps) {
  return defineWorkflow(
    { name: 'prepare-asset' },
    ({ input: { assetId }, step }: Run<{ assetId: string; owner: string }>) =>
      step.run({ name: 'prepare' }, () => steps.run(() => prepareAsset(deps, assetId, steps.stopping))),
  );
}

type Run<Input> = Parameters<Workflow<Input, unknown, Input>['fn']>[0];
