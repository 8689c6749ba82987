/** In the workspace's memory: the ports that are forwarded now. */
export const keptForwardsKey = 'meshloom.forwards';
