import { leafFiles } from '@rollcall/pki'
import { createHopService, createRuntime, startGrpcServer, TlsIdentity } from '@rollcall/runtime'

// The other side of the hop benchmark, a process of its own: answers each request with its own octets under a status line.
const [, , folder = '', trustDomain = '', listen = ''] = process.argv

const STATUS_LINE = Buffer.from('SIP/2.0 200 OK\r\n')
const LF = 0x0a

const identity = await TlsIdentity.load({ ...leafFiles(folder, 'scscf'), trustDomain })
const service = createHopService({
  onRequest({ sip }, _peer, reply) {
    reply(Buffer.concat([STATUS_LINE, sip.subarray(sip.indexOf(LF) + 1)]))
  },
})
const server = await startGrpcServer({
  listen,
  services: [service],
  runtime: createRuntime({ service: 'scscf', identity }),
})
process.send?.(server.port)
process.once('disconnect', () => process.exit(0))
