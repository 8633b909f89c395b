/** Counts the refusals of this process, and writes how many were left out: when their period ends, and when the service stops. */
import fp from 'fastify-plugin';
import { REFUSAL_PERIOD, RefusalCounts, recordLeftOut } from '../accounts/refusals.ts';

declare module 'fastify' {
  interface FastifyInstance {
    refusals: RefusalCounts;
  }
}

export default fp(
  async (app) => {
    const refusals = new RefusalCounts();
    app.decorate('refusals', refusals);
    const writeLeftOut = () =>
      recordLeftOut(app.db, refusals, app.log).catch((error) => {
        app.log.warn({ err: error }, 'the audit trail lacks how many refusals were left out');
      });
    const timer = setInterval(writeLeftOut, REFUSAL_PERIOD);
    // It does not keep the process alive.
    timer.unref();
    app.addHook('onClose', async () => {
      clearInterval(timer);
      await writeLeftOut();
    });
  },
  { name: 'refusals', dependencies: ['database'] },
);
