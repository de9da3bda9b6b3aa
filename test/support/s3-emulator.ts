import { s3Server } from './s3-server.ts';

/** A process of its own: an S3 store in memory with one bucket. Tells where it is and ends with its parent. */
const server = await s3Server();
process.on('disconnect', () => process.exit());
process.send!({ endpoint: server.endpoint, bucket: server.bucket() });
