/** A process that serves gives back what its start left behind, and is none the slower for it. */
import { test } from 'tap';
import { PROJECT, run } from './support/processes.ts';

// Whether ticks are made in the quick way shows in their size, once V8 has compiled what makes them. The middle of many is told, since
// garbage may be collected in the midst of one.
const SCRIPT = `
  import { giveBackMemory } from './cluster/memory.ts';
  const nothing = () => {};
  const heap = () => process.memoryUsage().heapUsed;
  async function sizeOfTick() {
    const sizes = [];
    for (let time = 0; time < 300; time++) {
      const before = heap();
      for (let tick = 0; tick < 1000; tick++) process.nextTick(nothing);
      sizes.push(Math.round((heap() - before) / 1000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return sizes.slice(-99).sort((a, b) => a - b)[49];
  }
  const before = await sizeOfTick();
  let garbage = Array.from({ length: 1e6 }, (_, number) => ({ number }));
  garbage = undefined;
  const full = heap();
  await giveBackMemory();
  const freed = full - heap();
  console.log(JSON.stringify({ before, after: await sizeOfTick(), freed }));
`;

test('memory is given back', async (t) => {
  const args = ['--input-type=module-typescript', '--eval', SCRIPT];
  const { stdout } = await run(PROJECT, process.execPath, args);
  const { before, after, freed } = JSON.parse(stdout);
  t.ok(freed > 20e6, `${freed} bytes`);
  t.equal(after, before, 'and a tick is made as it was before');
});

test('where the debugger refuses nothing is given back, and the start goes on', async (t) => {
  const script = `
    inspector.Session.prototype.connect = () => { throw new Error('refused'); };
    import('./cluster/memory.ts').then(({ giveBackMemory }) => giveBackMemory()).then(() => console.log('on'));`;
  const { stdout } = await run(PROJECT, process.execPath, ['--eval', script]);
  t.equal(stdout, 'on\n');
});
