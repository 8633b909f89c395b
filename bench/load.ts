/** Sends as many requests as a server answers, by autocannon, and counts the answers. */
import autocannon, { type Request } from 'autocannon';

const CONNECTIONS = 10;

/**
 * Each connection sends its share of the requests, again and again, so that no two ask for the same user at once.
 * @returns how many answers there were, in all and a second. @throws when an answer is not 2xx.
 */
export async function load(
  url: string,
  requests: Request[],
  seconds: number,
): Promise<{ answers: number; perSecond: number }> {
  let opened = 0;
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: seconds,
    setupClient(client) {
      const own = opened++;
      const share = requests.filter((_, index) => index % CONNECTIONS === own);
      client.setRequests(share.length > 0 ? share : requests);
    },
  });
  const { '2xx': answers, non2xx, errors, duration } = result;
  if (non2xx + errors > 0 || answers === 0)
    throw new Error(`${requests[0]?.path}: ${answers} answers were 2xx, ${non2xx} not, ${errors} failed.`);
  return { answers, perSecond: answers / duration };
}
