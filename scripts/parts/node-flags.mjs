/**
 * How Node runs the gateway. Its young generation begins at the size that it would grow to: while
 * it is small, requests that are under way are copied again and again. 64 connections that write
 * single records were served with a third less CPU time (npm run bench, Node 20).
 */
export const gatewayNodeFlags = ['--min-semi-space-size=16'];
