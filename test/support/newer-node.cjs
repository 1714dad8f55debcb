// What @platformatic/kafka needs of a newer Node, for tests that run on an older one.

const zlib = require('node:zlib');
const zstd = require('@cloudpss/zstd/napi');

Promise.withResolvers ??= () => {
  const settle = {};
  settle.promise = new Promise((resolve, reject) => Object.assign(settle, { resolve, reject }));
  return settle;
};
zlib.zstdCompressSync ??= (plain) => Buffer.from(zstd.compress(plain));
zlib.zstdDecompressSync ??= (packed) => Buffer.from(zstd.decompress(packed));
