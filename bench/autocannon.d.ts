/** Declares what the bench uses of autocannon, which brings no types. */
declare module 'autocannon' {
  export interface Request {
    method: 'GET' | 'PATCH' | 'POST';
    path: string;
    headers: Record<string, string>;
    body?: string;
  }

  export default function autocannon(options: {
    url: string;
    connections: number;
    /** In seconds. */
    duration: number;
    /** Is called for each connection. */
    setupClient(client: { setRequests(requests: Request[]): void }): void;
  }): Promise<{ '2xx': number; non2xx: number; errors: number; duration: number }>;
}
