import { s3Server } from './s3-server.ts';

/** Process with an in-memory S3 store and one bucket. Sends its endpoint to the parent and ends with it. */
const server = await s3Server();
process.on('disconnect', () => process.exit());
process.send!({ endpoint: server.endpoint, bucket: server.bucket() });
