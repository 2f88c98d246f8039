import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Admission } from './admission.ts'
import type { AuditEvent } from './audit.ts'
import type { Metrics } from './metrics.ts'
import { spiffeIdOf } from './spiffe.ts'

const MAR = '/rollcall.cx.v1.CxService/MultimediaAuth'
const TRUST_DOMAIN = 'rollcall.test'

function stage() {
  const audited: AuditEvent[] = []
  const counted: object[] = []
  const metrics = {
    counter: (_: string, labels: object) => ({ add: () => counted.push(labels) }),
  } as unknown as Metrics
  const admission = new Admission({ trustDomain: TRUST_DOMAIN, metrics, audit: (event) => audited.push(event) })
  const admit = (path: string, subjectaltname: string | undefined) =>
    admission.admit(path, {
      getAuthContext: () =>
        subjectaltname === undefined
          ? {}
          : { sslPeerCertificate: { subjectaltname, valid_to: 'Jan  1 00:00:00 2030 GMT' } },
    })
  return { admit, audited, counted }
}

function uriOf(role: string, trustDomain = TRUST_DOMAIN): string {
  return `URI:${spiffeIdOf(trustDomain, role)}`
}

test('a peer whose role may call the rpc is let in, until its certificate ends', () => {
  const { admit, audited } = stage()
  assert.deepEqual(admit(MAR, uriOf('scscf')), {
    role: 'scscf',
    spiffeId: spiffeIdOf(TRUST_DOMAIN, 'scscf'),
    dnsNames: [],
    notAfterMs: Date.UTC(2030, 0, 1),
  })
  assert.deepEqual(audited, [])
})

test('every other peer is refused, counted and audited (decision 8)', () => {
  const { admit, audited, counted } = stage()
  const cases: [string | undefined, string, string][] = [
    [uriOf('presence'), 'presence', 'role'],
    [uriOf('operator'), 'operator', 'role'],
    [uriOf('scscf', 'elsewhere.test'), 'none', 'foreign-trust-domain'],
    [uriOf('king'), 'none', 'unknown-role'],
    ['DNS:scscf.rollcall.test', 'none', 'no-spiffe-id'],
    [undefined, 'none', 'no-certificate'],
  ]
  for (const [certificate, , reason] of cases) assert.deepEqual(admit(MAR, certificate), { refused: true, reason })
  assert.deepEqual(
    counted,
    cases.map(([, role, reason]) => ({ rpc: MAR.slice(1), role, reason })),
  )
  assert.deepEqual(
    audited.map(({ event, outcome, reason }) => [event, outcome, reason]),
    cases.map(([, , reason]) => ['rpc.denied', 'refused', reason]),
  )
})
