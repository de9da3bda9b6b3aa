/** Preload that shifts the clock of a node by REELVEC_TEST_CLOCK_SEC seconds. */
const shiftMs = Number(process.env['REELVEC_TEST_CLOCK_SEC'] ?? 0) * 1000;
const RealDate = Date;

globalThis.Date = new Proxy(RealDate, {
  construct(target, args: [], newTarget) {
    return Reflect.construct(target, args.length === 0 ? [RealDate.now() + shiftMs] : args, newTarget);
  },
  apply: () => new Date().toString(),
  get: (target, name) => (name === 'now' ? () => RealDate.now() + shiftMs : Reflect.get(target, name)),
});
