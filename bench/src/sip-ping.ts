import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type Endpoint, formatEndpoint, GENERATOR_ADDRESS } from './addresses.ts'

/** Asked again after this; the whole wait is the caller's. */
const ANSWER_MS_MAX = 200

/** Says whether a SIP server answers OPTIONS over UDP, whatever it answers. */
export async function answersSip(to: Endpoint): Promise<boolean> {
  const socket = createSocket('udp4')
  try {
    socket.bind(0, GENERATOR_ADDRESS)
    await once(socket, 'listening')
    const { port } = socket.address()
    const serial = `${port}-${performance.now()}`
    const request = [
      `OPTIONS sip:${formatEndpoint(to)} SIP/2.0`,
      `Via: SIP/2.0/UDP ${GENERATOR_ADDRESS}:${port};branch=z9hG4bKping${serial};rport`,
      'Max-Forwards: 70',
      `From: <sip:ping@${GENERATOR_ADDRESS}>;tag=ping`,
      `To: <sip:${formatEndpoint(to)}>`,
      `Call-ID: ping-${serial}`,
      'CSeq: 1 OPTIONS',
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n')
    const answered = once(socket, 'message', { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    socket.send(request, to.port, to.address)
    await answered
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}
