/** What `manage doctor` finds: one line each, with what to do where something is wrong. */

export interface Finding {
  level: 'ok' | 'warning' | 'fault';
  /** What was looked at. */
  about: 'settings' | 'secret' | 'files' | 'disk' | 'database' | 'schema' | 'clock' | 'service';
  text: string;
}
