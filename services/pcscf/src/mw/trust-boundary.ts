import {
  formatAccessNetworkInfo,
  formatAuth,
  headerKeys,
  hidesIdentity,
  parseAccessNetworkInfo,
  parseAuth,
  type SipHeaders,
  SipSyntaxError,
} from '@rollcall/sip'

/**
 * What only nodes of the trust domain may say, and what only we write on this side: gone from whatever a UE sends.
 *
 * @see TS 24.229 clauses 4.4 and 5.2.6.3; RFC 3325 section 5; Record-Route and Path name proxies, and a UE is none
 */
const FROM_UE = headerKeys([
  'Additional-Identity',
  'Cellular-Network-Info',
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
  'Relayed-Charge',
  'Response-Source',
  'Restoration-Info',
  'Service-Interact-Info',
  'Service-Route',
  'Traceparent',
  'Tracestate',
])

/** What a UE is not told (TS 24.229 clauses 4.4 and 5.2.6.4). */
const TO_UE = headerKeys([
  'Cellular-Network-Info',
  'P-Access-Network-Info',
  'P-Asserted-Service',
  'P-Charging-Function-Addresses',
  'P-Charging-Vector',
  'P-Private-Network-Indication',
  'P-Profile-Key',
  'P-Served-User',
  'P-User-Database',
  'P-Visited-Network-ID',
  'Relayed-Charge',
  'Response-Source',
  'Restoration-Info',
  'Service-Interact-Info',
  'Traceparent',
  'Tracestate',
])

/** Takes out of a UE's message what a UE may not say. */
export function stripFromUe(headers: SipHeaders, isProtected: boolean): void {
  // guard: strip-from-ue — a UE does not say what only the network may (RFC 3325 section 5)
  headers.removeEach(FROM_UE)
  if (!isProtected) headers.remove('P-Access-Network-Info')
  else if (headers.has('P-Access-Network-Info')) keepOwnAccess(headers)
}

/**
 * Of the access a UE may speak for itself, inside its SA, and never as the network.
 *
 * @see TS 24.229 clause 5.2.6.3; RFC 7315 section 5.4
 */
function keepOwnAccess(headers: SipHeaders): void {
  try {
    const said = parseAccessNetworkInfo(headers.getAll('P-Access-Network-Info'))
    // guard: access-network-info — what the network provides is not what a UE says
    const own = said.filter(({ isNetworkProvided }) => !isNetworkProvided)
    if (own.length === said.length) return
    if (own.length > 0) headers.set('P-Access-Network-Info', formatAccessNetworkInfo(own))
    else headers.remove('P-Access-Network-Info')
  } catch (error) {
    if (!(error instanceof SipSyntaxError)) throw error
    // What cannot be read may claim anything.
    headers.remove('P-Access-Network-Info')
  }
}

/** Says how the network sees the access, when the setting knows it (TS 24.229 clauses 5.2.2.2 and 5.2.6.3). */
export function addNetworkAccess(headers: SipHeaders, accessNetworkInfo: string | undefined): void {
  if (accessNetworkInfo !== undefined) headers.add('P-Access-Network-Info', `${accessNetworkInfo};network-provided`)
}

/** Takes out of a message to a UE what a UE is not told. */
export function stripToUe(headers: SipHeaders): void {
  // guard: strip-to-ue — a UE is not told what is the network’s own
  headers.removeEach(TO_UE)
  // The UE is outside of the trust domain, and the one asserted wants to be unknown to it.
  // guard: privacy-id — who asks for privacy is not named to a UE (RFC 3325 section 7)
  if (hidesIdentity(headers)) headers.remove('P-Asserted-Identity')
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
