import { defineWorkflow, type Workflow } from 'openworkflow';
import { untilStopped } from '../jobs/until-stopped.ts';
import { type PrepareDeps, prepareAsset } from './prepare.ts';

/** The durable workflow that brings an asset from `processing` to `ready` or `failed`. */
export function prepareAssetWorkflow(deps: PrepareDeps, stopping: AbortSignal) {
  return defineWorkflow(
    { name: 'prepare-asset' },
    ({ input: { assetId }, step }: Run<{ assetId: string; owner: string }>) =>
      step.run({ name: 'prepare' }, () => untilStopped(stopping, () => prepareAsset(deps, assetId, stopping))),
  );
}

type Run<Input> = Parameters<Workflow<Input, unknown, Input>['fn']>[0];
