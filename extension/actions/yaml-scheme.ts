export { viewAuthority, yamlScheme } from '../../contract/cluster-layer.ts';
