/**
 * Where a container finds its certificate and its keys: the chart mounts Secrets there, and the tests with containers mount
 * the same. What is mounted is a folder, so that a certificate that is renewed is seen.
 */
export const MOUNTED_FILES = {
  tls: {
    certFile: '/etc/rollcall/tls/tls.crt',
    keyFile: '/etc/rollcall/tls/tls.key',
    caFile: '/etc/rollcall/tls/ca.crt',
  },
  publicTls: {
    certFile: '/etc/rollcall/public-tls/tls.crt',
    keyFile: '/etc/rollcall/public-tls/tls.key',
  },
  sealingKeysFile: '/etc/rollcall/sealing/keys.json',
  identityHashKeyFile: '/etc/rollcall/identity-hash/key',
  natsKeyFile: '/etc/rollcall/nats-key/key',
} as const
