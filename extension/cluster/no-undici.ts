/**
 * Stands in for `undici` in the client's bundle. The client library sends its requests through it; we send ours through
 * `node:http(s)` and take from the library only what a kubeconfig means. Without it the bundle has half the size, and it
 * loads on a Node that is too old for undici.
 */
export const Agent = notHere;
export const ProxyAgent = notHere;
export const fetch = notHere;

function notHere(): never {
  throw new Error('requests do not go through undici here');
}
