/** The rules' way to the mesh's reading of host names. */
export { findServiceOf, fullHost, hostCovers } from '../mesh/hosts.ts';
