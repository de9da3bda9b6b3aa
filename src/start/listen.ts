import type { FastifyInstance } from 'fastify';
import { asSetupError, SetupError } from '../setup-error.ts';

/**
 * Listens on an address.
 * @param options.portName setting of the port, for error messages
 * @returns the URL
 * @throws {SetupError} if the address cannot be bound
 */
export async function listen(
  app: FastifyInstance,
  { host, port, portName }: { host: string; port: number; portName: string },
): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    if ((error as { code?: string }).code === 'EADDRINUSE') {
      throw new SetupError(
        `The port ${port} on ${host} is in use. Stop what listens there, or set ${portName} to another port.`,
        { cause: error },
      );
    }
    throw asSetupError(
      error,
      `Cannot listen on ${address}`,
      `Set REELVEC_HOST and ${portName} to an address of this machine.`,
    );
  }
}
