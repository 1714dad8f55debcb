'use strict';

/** The entry of a worker in a process of its own; see worker-process.ts. */
require('../../../test/support/typescript-loader.cjs');
require('./worker-child.ts').run();
