import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { rename } from '../../edits.ts';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { parseRequestUri } from '../values/urls.ts';
import { wasmModule } from './modules.ts';

const schemes = ['file', 'http', 'https', 'oci'];

/** Where the module is loaded from. Without a scheme it is an image: `registry.example.com/auth:v1`. */
export const badUrl = defineRefusal(['TrafficExtension', 'WasmPlugin'], {
  id: 'wasm-plugin/bad-url',
  why: 'A module is an image (oci:// or no scheme) or a file (http://, https://, file://): Istio refuses other addresses. A registry with a port needs oci://, because its name would be read as the scheme.',
  *check(resource) {
    const url = wasmModule(resource).at('url');
    if (!url.string) return;
    // As Istio does: what is no address by itself may be one behind http://.
    const parsed = parseRequestUri(url.string) ?? parseRequestUri(`http://${url.string}`);
    if (!parsed) yield finding(url, l10n.t('"{0}" is no address of a module: Istio refuses it.', url.string));
    else if (parsed.scheme !== '' && !schemes.includes(parsed.scheme))
      yield unknownScheme(url, url.string, parsed.scheme);
  },
});

function unknownScheme(url: Located, text: string, scheme: string): Finding {
  const isRegistry = !text.slice(scheme.length).startsWith('://');
  const meant = isRegistry ? undefined : findNearMiss(scheme, schemes);
  const better = isRegistry ? `oci://${text}` : meant && meant + text.slice(scheme.length);
  const fixes = better
    ? [{ title: l10n.t('Change to "{0}"', better), preferred: true, edits: () => rename(url, better) }]
    : [];
  const message = isRegistry
    ? l10n.t('Istio reads "{0}" as the scheme of this address and refuses it. Write {1}.', scheme, `oci://${text}`)
    : l10n.t(
        'Istio loads no module by {0} and refuses it: it takes {1}.',
        `${scheme}://`,
        schemes.map((name) => `${name}://`).join(', '),
      );
  return finding(url, message, { fixes });
}
