/** Header and body together must fit into one record of TLS (RFC 8446 section 5.1). */
const ONE_WRITE_OCTETS_MAX = 8 * 1024

/**
 * A body as it is best handed to Node, to be written as latin1: Node puts a short text behind the header in one write, and so in one
 * record of TLS, but a buffer into another. That is a tenth of what an answer costs.
 */
export function bodyToWrite(body: Buffer): Buffer | string {
  return body.length <= ONE_WRITE_OCTETS_MAX ? body.toString('latin1') : body
}
