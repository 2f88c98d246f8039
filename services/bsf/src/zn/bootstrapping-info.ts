import { RollcallError, Secret } from '@rollcall/core'
import { type Btid, InvalidBtidError, InvalidNafIdError, ksNaf, nafId, parseBtid, selectUss } from '@rollcall/gba'
import type { ContextRecord } from '@rollcall/proto-gen/bsf'
import type { BootstrappingInfoRequest, BootstrappingInfoResponse } from '@rollcall/proto-gen/zn'
import type { RpcContext } from '@rollcall/runtime'
import type { BsfContext } from '../context.ts'
import { BtidUnknownError, NafForeignError, RequestInvalidError } from '../errors.ts'
import type { ZnRefusal } from '../events.ts'

/** So many settings a NAF may ask for at once. */
const GSIDS_MAX = 16
/** The identifier that makes a TMPI is no protocol of a NAF (TS 33.220 annex B.4). */
const TMPI_PROTOCOL = '0100000100'

/**
 * BIR/BIA: the key that the UE behind a B-TID shares with this NAF, and what the NAF may know of the user.
 *
 * Ks_NAF is that of the ME; there is no Ks_int_NAF (TS 33.220 clause 5.3.3).
 *
 * @throws RequestInvalidError, NafForeignError, BtidUnknownError; what the store throws.
 * @see TS 33.220 clause 4.4.6, TS 33.220 clause 4.5.3, TS 29.109 clause 5.2
 */
export async function bootstrappingInfo(
  context: BsfContext,
  request: BootstrappingInfoRequest,
  call: Pick<RpcContext, 'peer' | 'traceparent'>,
): Promise<BootstrappingInfoResponse> {
  const { peer, traceparent } = call
  const naf = request.nafFqdn.toLowerCase()
  const refuse = (reason: ZnRefusal): void => {
    // What a stranger calls itself is not written down before it is a name.
    context.events.znRefused(reason, {
      naf: /^[a-z0-9.-]{1,253}$/.test(naf) ? naf : '-',
      peer: peer.spiffeId,
      traceparent,
    })
  }
  const id = nafIdOf(naf, request)
  if (id === undefined) {
    refuse('invalid')
    throw new RequestInvalidError('naf_fqdn, ua_protocol or gsids cannot be')
  }
  // guard: zn-own-naf — a NAF gets the keys of the names that its certificate claims, and of no other
  if (!peer.dnsNames.includes(naf)) {
    refuse('foreign-naf')
    throw new NafForeignError()
  }
  const record = await find(context, request.btid, refuse)
  const { impi, rand, guss } = record
  const key = ksNaf({ ks: new Secret(record.ks), rand, impi, nafId: id })
  // guard: zn-gsids — a NAF learns of the user what is for its own services (TS 33.220 clause 4.5.3)
  const gsids = request.gsids.filter((gsid) => context.nafs.mayAsk(naf, gsid))
  const uss = guss ? selectUss(guss, { gsids, nafGroup: context.nafs.groupOf(naf) }) : []
  context.events.keyTold({
    impi,
    naf,
    uaProtocol: request.uaProtocol.toString('hex'),
    gsids: uss.map(({ gsid }) => gsid),
    traceparent,
  })
  return {
    ksNaf: key.reveal(),
    keyExpiryMs: record.keyExpiryMs,
    bootstrapTimeMs: record.bootstrapTimeMs,
    // guard: zn-impi — a NAF learns the private identity only when the operator says so
    impi: context.nafs.knowsImpi(naf) ? impi : '',
    uss,
  }
}

function nafIdOf(naf: string, { uaProtocol, gsids }: BootstrappingInfoRequest): Buffer | undefined {
  if (gsids.length > GSIDS_MAX || uaProtocol.toString('hex') === TMPI_PROTOCOL) return undefined
  try {
    return nafId(naf, uaProtocol)
  } catch (error) {
    if (error instanceof InvalidNafIdError) return undefined
    throw error
  }
}

async function find(context: BsfContext, text: string, refuse: (reason: ZnRefusal) => void): Promise<ContextRecord> {
  const btid = btidIn(text)
  const found = btid === undefined ? undefined : await get(context, btid, refuse)
  if (!found) {
    refuse('btid-unknown')
    throw new BtidUnknownError()
  }
  // guard: zn-expired — the store forgets in its own time, the key ends in its own (TS 33.220 clause 4.5.3)
  if (Number(found.keyExpiryMs) <= context.clock.now()) {
    refuse('btid-expired')
    throw new BtidUnknownError()
  }
  return found
}

async function get(
  context: BsfContext,
  btid: Btid,
  refuse: (reason: ZnRefusal) => void,
): Promise<ContextRecord | undefined> {
  try {
    return (await context.records().contexts.get(btid))?.record
  } catch (error) {
    if (error instanceof RollcallError && error.code.startsWith('STORE_')) refuse('store-unavailable')
    throw error
  }
}

function btidIn(text: string): Btid | undefined {
  try {
    return parseBtid(text)
  } catch (error) {
    if (error instanceof InvalidBtidError) return undefined
    throw error
  }
}
