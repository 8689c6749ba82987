import type { Located } from '../../located.ts';
import type { Resource } from '../../resource.ts';

/** What says which module to load: of a WasmPlugin its spec, of a TrafficExtension its `wasm`. */
export function wasmModule({ kind, spec }: Resource): Located {
  return kind === 'TrafficExtension' ? spec.at('wasm') : spec;
}
