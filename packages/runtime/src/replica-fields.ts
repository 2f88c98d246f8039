import * as field from './config-fields.ts'

/** Settings of a service that several replicas share partitions of, beside the shared ones. */
export function replicaFields(o: {
  /** The name of the only replica, when nobody gives names. */
  readonly name: string
}) {
  return {
    ROLLCALL_REPLICA_NAME: field
      .text({
        is: 'name of this replica, the same after a restart, and no other replica has it',
        pattern: /^[A-Za-z0-9_-]{1,63}$/,
        allowed: 'letters, digits, `_` and `-`, at most 63',
        example: o.name,
      })
      .default(o.name),
    ROLLCALL_GRPC_ADVERTISE: field
      .hostPort({ is: 'where other replicas reach this one; without it where it listens', example: '10.0.0.7:17003' })
      .optional(),
  }
}
