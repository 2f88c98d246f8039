import { BlockList, isIPv6 } from 'node:net'
import { type Config, ConfigError, field } from '@rollcall/runtime'
import { type NodeTable, nodeFields, readNodeTable } from '@rollcall/sip-node'

/** Settings of plain SIP: insecure, each of them, and named so. */
export const openShape = {
  ROLLCALL_PRESENCE_SIP_UNPROTECTED_LISTEN: nodeFields.unprotectedListen({
    is: 'insecure: plain SIP of other vendors’ S-CSCFs, whose identities are not believed; with users `any`, by UDP, of load generators and interworking tests, whose From is',
    example: 'udp:127.0.0.1:5280',
  }),
  ROLLCALL_PRESENCE_SIP_UNPROTECTED_PEERS: nodeFields.unprotectedPeers('scscf.vendor.example=scscf@udp:10.0.0.9:5060'),
  ROLLCALL_PRESENCE_SIP_PROTECTED_ELSEWHERE: nodeFields.protectedElsewhere('10.0.0.9'),
  ROLLCALL_PRESENCE_SIP_UNPROTECTED_ANYWHERE: field
    .flag({ is: 'insecure: the address of unprotected SIP may be other than loopback', example: 'false' })
    .default(false),
  ROLLCALL_PRESENCE_UNPROTECTED_USERS: field
    .oneOf(['hss', 'any'], {
      is: 'insecure when `any`: every identity has a user whom everybody may watch, and the HSS is not asked',
      example: 'hss',
    })
    .default('hss'),
  ROLLCALL_PRESENCE_UNPROTECTED_USERS_DOMAIN: field
    .domain({ is: 'with `any`: of this domain alone; without it of any', example: 'example.com' })
    .optional(),
}

/** Where plain SIP is taken. */
export interface OpenAddress {
  readonly address: string
  readonly port: number
}

/** How SIP comes beside the hop. */
export interface SipDoors {
  /** Of other vendors' nodes. */
  readonly table: NodeTable
  /** UDP that believes its From, of whoever sends it; there are no users then but those that it names. */
  readonly open: OpenAddress | undefined
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

type OpenConfig = Config<typeof openShape> & {
  readonly ROLLCALL_PRESENCE_SIP_TLS_LISTEN?: string | undefined
  readonly ROLLCALL_PRESENCE_SIP_PEERS?: string | undefined
}

/**
 * Where SIP is to be taken beside the hop.
 *
 * @throws ConfigError for an address that is none, or is not loopback and may not be another.
 */
export function sipDoors(config: OpenConfig): SipDoors {
  const table = readNodeTable('presence', {
    tlsListen: config.ROLLCALL_PRESENCE_SIP_TLS_LISTEN,
    peers: config.ROLLCALL_PRESENCE_SIP_PEERS,
    unprotectedListen: config.ROLLCALL_PRESENCE_SIP_UNPROTECTED_LISTEN,
    unprotectedPeers: config.ROLLCALL_PRESENCE_SIP_UNPROTECTED_PEERS,
    protectedElsewhere: config.ROLLCALL_PRESENCE_SIP_PROTECTED_ELSEWHERE,
  })
  for (const { address } of table.unprotected) {
    const isLoopback = LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
    // guard: open-loopback — unprotected SIP is for this machine alone, unless somebody says otherwise
    if (!isLoopback && !config.ROLLCALL_PRESENCE_SIP_UNPROTECTED_ANYWHERE) {
      const problem = `${address} is not loopback, and ROLLCALL_PRESENCE_SIP_UNPROTECTED_ANYWHERE is not true`
      throw new ConfigError('presence', [{ name: 'ROLLCALL_PRESENCE_SIP_UNPROTECTED_LISTEN', problem }])
    }
  }
  // guard: open-users — a From is believed only where every identity is a user whom everybody may watch
  if (config.ROLLCALL_PRESENCE_UNPROTECTED_USERS !== 'any') return { table, open: undefined }
  const isOpen = ({ transport }: NodeTable['unprotected'][number]): boolean => transport === 'UDP'
  return {
    table: { ...table, unprotected: table.unprotected.filter((at) => !isOpen(at)) },
    open: table.unprotected.find(isOpen),
  }
}

/** What is insecure about these settings, for the log and for /readyz. */
export function openWarnings(config: Config<typeof openShape>): readonly string[] {
  const warnings: string[] = []
  const isAny = config.ROLLCALL_PRESENCE_UNPROTECTED_USERS === 'any'
  if (config.ROLLCALL_PRESENCE_SIP_UNPROTECTED_LISTEN !== undefined) {
    const believed = isAny ? 'whoever sends it is who its From says' : 'what it says of identities is not believed'
    warnings.push(`insecure: SIP is taken unprotected, and ${believed}`)
  }
  if (isAny) warnings.push('insecure: every identity has a user, whom everybody may watch')
  return warnings
}
