import { formatAuth, parseAuth, type SipHeaders } from '@rollcall/sip'

/**
 * What only nodes of the trust domain may say, and what only we write on this side: gone from whatever a UE sends.
 *
 * @see TS 24.229 clauses 4.4 and 5.2.6.3; RFC 3325 section 5; Record-Route and Path name proxies, and a UE is none
 */
const FROM_UE = [
  'P-Asserted-Identity',
  'P-Asserted-Service',
  'P-Associated-URI',
  'P-Called-Party-ID',
  'P-Charging-Function-Addresses',
  'P-Charging-Vector',
  'P-Media-Authorization',
  'P-Private-Network-Indication',
  'P-Profile-Key',
  'P-Served-User',
  'P-User-Database',
  'P-Visited-Network-ID',
  'Path',
  'Record-Route',
  'Response-Source',
  'Service-Route',
  'Traceparent',
  'Tracestate',
]

/** What a UE is not told (TS 24.229 clauses 4.4 and 5.2.6.4). */
const TO_UE = [
  'P-Access-Network-Info',
  'P-Charging-Function-Addresses',
  'P-Charging-Vector',
  'P-Private-Network-Indication',
  'P-Profile-Key',
  'P-Served-User',
  'P-User-Database',
  'P-Visited-Network-ID',
  'Response-Source',
  'Traceparent',
  'Tracestate',
]

/** Takes out of a UE's message what a UE may not say. */
export function stripFromUe(headers: SipHeaders, isProtected: boolean): void {
  // guard: strip-from-ue — a UE does not say what only the network may (RFC 3325 section 5)
  for (const name of FROM_UE) headers.remove(name)
  if (!isProtected) headers.remove('P-Access-Network-Info')
  else keepValues(headers, 'P-Access-Network-Info', (value) => !/;\s*network-provided\b/i.test(value))
}

/** Takes out of a message to a UE what a UE is not told. */
export function stripToUe(headers: SipHeaders): void {
  // guard: strip-to-ue — a UE is not told what is the network’s own
  for (const name of TO_UE) headers.remove(name)
  // RFC 3325 section 7: the UE is outside of the trust domain, and the one asserted wants to be unknown to it.
  const privacy = headers.getAll('Privacy').join(';').toLowerCase()
  if (/(?:^|[;,\s])id(?:$|[;,\s])/.test(privacy)) headers.remove('P-Asserted-Identity')
}

/**
 * Says in every Authorization how the request came, whatever the UE said there itself.
 *
 * @throws SipSyntaxError when an Authorization cannot be read: then nobody can say what it claims.
 * @see TS 24.229 clauses 5.2.2.2 and 7.2A.2
 */
export function setIntegrityProtected(headers: SipHeaders, value: 'yes' | 'no' | undefined): void {
  for (const name of ['Authorization', 'Proxy-Authorization']) {
    const lines = headers.getAll(name)
    if (lines.length === 0) continue
    const changed = lines.map((line) => {
      const auth = parseAuth(line, name)
      const params = new Map(auth.params)
      // guard: integrity-protected — only what came over its SA is called protected (TS 24.229 clause 5.2.2.2)
      params.delete('integrity-protected')
      if (value !== undefined && name === 'Authorization') params.set('integrity-protected', { value, quoted: true })
      return params.size === 0 ? undefined : formatAuth({ scheme: auth.scheme, params })
    })
    headers.setAll(
      name,
      changed.filter((line) => line !== undefined),
    )
  }
}

/** Keeps the lines of a header that `condition` holds for. */
function keepValues(headers: SipHeaders, name: string, condition: (value: string) => boolean): void {
  const lines = headers.getAll(name)
  const kept = lines.filter(condition)
  if (kept.length === lines.length) return
  if (kept.length === 0) headers.remove(name)
  else headers.setAll(name, kept)
}
