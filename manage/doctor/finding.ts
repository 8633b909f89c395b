/** What `manage doctor` finds: one line each, with what to do where something is wrong. */

export interface Finding {
  level: 'ok' | 'warning' | 'fault';
  /** What was looked at. */
  about: 'settings' | 'secret' | 'files' | 'disk' | 'database' | 'schema' | 'clock' | 'service';
  text: string;
}

const finding =
  (level: Finding['level']) =>
  (about: Finding['about'], text: string): Finding => ({ level, about, text });

export const ok = finding('ok');
export const warning = finding('warning');
export const fault = finding('fault');
