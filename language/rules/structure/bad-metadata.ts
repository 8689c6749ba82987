import { kinds } from '../../kinds.ts';
import { defineResourceRule } from '../../rule.ts';
import { checkMetadata } from '../../schema/check-metadata.ts';

/** Names become DNS names and file names, labels go into selectors and URLs: hence what Kubernetes allows in them. */
export const badMetadata = defineResourceRule({
  id: 'structure/bad-metadata',
  code: 'ML0020',
  severity: 'error',
  docs: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/names/',
  why: 'Kubernetes takes small letters, digits, "-" and "." in names, up to 63 characters in labels, and no metadata fields but its own: the API server refuses the whole object.',
  reads: kinds,
  check: checkMetadata,
});
