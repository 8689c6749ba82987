/** The smaller answers of Envoy's admin port. */
import { list, object, text, texts } from './read-json.ts';
import type { ServerInfo } from './report.ts';

/** @param info JSON of `/server_info`. */
export function parseServer(info: unknown): ServerInfo {
  const { version, state, uptime_current_epoch: uptime } = object(info);
  const seconds = Number.parseInt(text(uptime), 10);
  return {
    // `<commit>/1.40.0/Clean/RELEASE/BoringSSL`; Istio's build says its own commit and 1.27.0-dev.
    version: text(version).split('/')[1] ?? text(version),
    state: text(state),
    ...(Number.isNaN(seconds) ? {} : { uptime: seconds }),
  };
}

/** @param answer of `/logging`: a line `  admin: warning` for each; ztunnel says `current log level is info`. */
export function parseLoggers(answer: string): Record<string, string> {
  const ztunnel = /current log level is (.+)/i.exec(answer)?.[1];
  if (ztunnel !== undefined) return { ztunnel: ztunnel.trim() };
  return Object.fromEntries(
    [...answer.matchAll(/^\s+(\S+): (\w+)\s*$/gm)].map(([, name = '', level = '']) => [name, level]),
  );
}

/** What keeps it from being live. @param dump JSON of `/init_dump`. @returns `Server: LDS, …` */
export function parseUnready(dump: unknown): string[] {
  return list(object(dump).unready_targets_dumps).flatMap(({ name, target_names: targets }) => {
    const names = texts(targets);
    return names.length > 0 ? [`${text(name).replace(/^init manager /, '')}: ${names.join(', ')}`] : [];
  });
}
