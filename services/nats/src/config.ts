import { type Config, ConfigError, field, sharedShape } from '@rollcall/runtime'
import type { z } from 'zod'

/** Settings of one nats-server. Certificate, key and authorities are the settings that every service has. */
export const natsShape = {
  ROLLCALL_TRUST_DOMAIN: sharedShape.ROLLCALL_TRUST_DOMAIN,
  ROLLCALL_TLS_CERT_FILE: sharedShape.ROLLCALL_TLS_CERT_FILE,
  ROLLCALL_TLS_KEY_FILE: sharedShape.ROLLCALL_TLS_KEY_FILE,
  ROLLCALL_TLS_CA_FILE: sharedShape.ROLLCALL_TLS_CA_FILE,
  ROLLCALL_NATS_SERVER_NAME: field
    .text({
      is: 'name of this server, the same after a restart, and no other server has it',
      pattern: /^[A-Za-z0-9_-]{1,63}$/,
      allowed: 'letters, digits, `_` and `-`, at most 63',
      example: 'nats-0',
    })
    .default('nats-0'),
  ROLLCALL_NATS_LISTEN: field
    .addressPort({ is: 'where services come in, by mutual TLS', example: '0.0.0.0:14222' })
    .default('0.0.0.0:14222'),
  ROLLCALL_NATS_MONITOR_LISTEN: field
    .addressPort({ is: 'HTTP of the health check; a loopback address and no other', example: '127.0.0.1:8222' })
    .default('127.0.0.1:8222'),
  ROLLCALL_NATS_STORE_DIR: field
    .file({ is: 'folder of the streams; its ledger lies beside it', example: '/var/lib/rollcall/nats/jetstream' })
    .default('/var/lib/rollcall/nats/jetstream'),
  ROLLCALL_NATS_ENCRYPTION_KEY_FILE: field.file({
    is: 'key of the encryption at rest, as `createNatsKey` of packages/store makes it',
    example: '/etc/rollcall/nats-key/key',
  }),
  ROLLCALL_NATS_FILE_STORE_BYTES_MAX: field
    .count({
      of: 'bytes',
      is: 'bound on all streams together, each of which reserves its size; without it room for all, twice',
      example: '21541945344',
      min: 1,
      max: 999_999_999_999_999,
    })
    .optional(),
  ROLLCALL_NATS_DURABILITY: field
    .oneOf(['fsynced', 'lost-at-power-cut'], { is: 'what an acknowledged write survives', example: 'fsynced' })
    .default('fsynced'),
  ROLLCALL_NATS_RESTORING: field
    .flag({ is: 'for `rollcall store restore` alone: administrators may write meanwhile', example: 'false' })
    .default(false),
  ROLLCALL_NATS_CLUSTER_LISTEN: field
    .addressPort({
      is: 'where the other servers of a cluster come in; without it there is no cluster',
      example: '0.0.0.0:6222',
    })
    .optional(),
  ROLLCALL_NATS_CLUSTER_NAME: field
    .text({
      is: 'name of the cluster, the same for all its servers',
      pattern: /^[A-Za-z0-9_-]{1,63}$/,
      allowed: 'letters, digits, `_` and `-`, at most 63',
      example: 'rollcall',
    })
    .default('rollcall'),
  ROLLCALL_NATS_CLUSTER_ROUTES: field
    .hostPorts({
      is: 'every server of the cluster, this one included',
      example: 'nats-0.nats:6222,nats-1.nats:6222,nats-2.nats:6222',
    })
    .optional(),
  ROLLCALL_NATS_CLUSTER_TLS_CERT_FILE: field
    .file({
      is: 'certificate for routes, of an authority that signs NATS servers alone',
      example: '/etc/rollcall/route-tls/tls.crt',
    })
    .optional(),
  ROLLCALL_NATS_CLUSTER_TLS_KEY_FILE: field
    .file({ is: 'its private key', example: '/etc/rollcall/route-tls/tls.key' })
    .optional(),
  ROLLCALL_NATS_CLUSTER_TLS_CA_FILE: field
    .file({ is: 'that authority', example: '/etc/rollcall/route-tls/ca.crt' })
    .optional(),
  ROLLCALL_NATS_CONFIG_FILE: field
    .file({ is: 'where the rendered configuration is written', example: '/tmp/nats.conf' })
    .default('/tmp/nats.conf'),
  ROLLCALL_NATS_SERVER: field
    .file({ is: 'the program', example: '/app/bin/nats-server' })
    .default('/app/bin/nats-server'),
} satisfies z.ZodRawShape

export type NatsConfig = Config<typeof natsShape>

/** How the servers of a cluster reach each other. */
export interface ClusterConfig {
  readonly name: string
  readonly listen: string
  readonly routes: readonly string[]
  readonly tls: { readonly certFile: string; readonly keyFile: string; readonly caFile: string }
}

const CLUSTER_SETTINGS = [
  'ROLLCALL_NATS_CLUSTER_LISTEN',
  'ROLLCALL_NATS_CLUSTER_ROUTES',
  'ROLLCALL_NATS_CLUSTER_TLS_CERT_FILE',
  'ROLLCALL_NATS_CLUSTER_TLS_KEY_FILE',
  'ROLLCALL_NATS_CLUSTER_TLS_CA_FILE',
] as const satisfies readonly (keyof NatsConfig)[]

/**
 * The settings of the cluster: all of them, or none.
 *
 * @throws ConfigError
 */
export function clusterOf(config: NatsConfig): ClusterConfig | undefined {
  const missing = CLUSTER_SETTINGS.filter((name) => config[name] === undefined)
  if (missing.length === CLUSTER_SETTINGS.length) return undefined
  const listen = config.ROLLCALL_NATS_CLUSTER_LISTEN
  const routes = config.ROLLCALL_NATS_CLUSTER_ROUTES
  const certFile = config.ROLLCALL_NATS_CLUSTER_TLS_CERT_FILE
  const keyFile = config.ROLLCALL_NATS_CLUSTER_TLS_KEY_FILE
  const caFile = config.ROLLCALL_NATS_CLUSTER_TLS_CA_FILE
  if (listen && routes && certFile && keyFile && caFile)
    return { name: config.ROLLCALL_NATS_CLUSTER_NAME, listen, routes, tls: { certFile, keyFile, caFile } }
  throw new ConfigError(
    'nats',
    missing.map((name) => ({ name, problem: 'is not set, and other settings of the cluster are' })),
  )
}
