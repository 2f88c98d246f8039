import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'

const NO_OCTETS = Buffer.alloc(0)

/** An envelope with what `known` says, and nothing vouched for beside it. */
export function createEnvelope(known: Partial<Envelope> = {}): Envelope {
  return {
    traceparent: '',
    tracestate: '',
    accessSecurity: AccessSecurity.ACCESS_SECURITY_UNSPECIFIED,
    impi: '',
    assertedIdentities: [],
    assertion: NO_OCTETS,
    receivedAtMs: 0n,
    forwarded: false,
    deadlineMs: 0,
    misdirected: false,
    forwardedRole: '',
    ...known,
  }
}
