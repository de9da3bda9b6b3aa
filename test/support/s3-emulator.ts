import { startFauxqs } from 'fauxqs';

/** A process of its own: an S3 store in memory with one bucket. Tells its port and ends with its parent. */
const server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
server.createBucket('bucket');
process.on('disconnect', () => process.exit());
process.send!(server.port);
