import type { HopRequestHandler, Runtime } from '@rollcall/runtime'
import { readNodeTable, SipNode } from '@rollcall/sip-node'
import { hostOf, nodeSettings, type ScscfConfig } from '../config.ts'
import { vendorEnvelope } from './vendor-envelope.ts'
import { vendorRefusal } from './vendor-refusal.ts'

/**
 * SIP with other vendors' nodes: Mw with P-CSCFs and S-CSCFs, ISC with application servers. What comes is handed on as the
 * hop's messages are.
 *
 * @throws ConfigError when the settings contradict each other.
 */
export function createVendorNode(o: {
  readonly config: ScscfConfig
  readonly runtime: Runtime
  readonly receive: HopRequestHandler
}): SipNode {
  const { config, runtime, receive } = o
  return new SipNode({
    runtime,
    table: readNodeTable('scscf', nodeSettings(config)),
    host: hostOf(config),
    envelopeOf: vendorEnvelope,
    onRequest: (message, peer, reply) => {
      const refusal = vendorRefusal(message, peer)
      if (refusal) reply(refusal)
      else receive(message, peer, reply)
    },
  })
}
