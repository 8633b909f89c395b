/** Looks at the running service. */
import { StatusReply } from '../../config/control.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { errorText } from '../errors.ts';
import { askService } from '../service.ts';
import { type Finding, ok, warning } from './finding.ts';

export async function checkService(): Promise<Finding[]> {
  try {
    const { version, url, workers } = await askService('status', StatusReply);
    const text = `version ${version} runs at ${url}`;
    const others = [version, ...workers.map((worker) => worker.version)].filter(
      (each) => each !== packageJson.version,
    );
    if (others.length === 0) return [ok('service', text)];
    return [
      warning(
        'service',
        `${text}, with parts of version ${others[0]}, and these commands are of ${packageJson.version}. Reload or restart it.`,
      ),
    ];
  } catch (error) {
    return [warning('service', errorText(error))];
  }
}
