import { isLineText } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { writeHeaders } from './headers.ts'
import type { SipMessage } from './message.ts'

/**
 * A message as octets. Content-Length is written from the body, whatever the header fields say.
 *
 * @throws SipSyntaxError when the start line could not stand on one line of octets.
 * @see RFC 3261 section 7
 */
export function serializeMessage(message: SipMessage): Buffer {
  const startLine =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`
  if (!isLineText(startLine)) throw new SipSyntaxError('start line', 'has a line break or a character beyond one octet')
  const head = `${startLine}\r\n${writeHeaders(message.headers)}Content-Length: ${message.body.length}\r\n\r\n`
  const bytes = Buffer.allocUnsafe(head.length + message.body.length)
  bytes.write(head, 0, 'latin1')
  message.body.copy(bytes, head.length)
  return bytes
}
