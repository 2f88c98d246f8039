import type { ChannelOptions } from '@grpc/grpc-js'

/**
 * One message: a batch of the hop is at most 256 kB and one SIP message of 80 kB more, and a unary answer is a page of
 * records. Beyond it gRPC answers RESOURCE_EXHAUSTED.
 */
const MESSAGE_BYTES_MAX = 1024 * 1024

/** How long a client's hop stream lives before it opens the next one. */
export const STREAM_AGE_MS = 10 * 60_000

/**
 * A connection lives for this long, then clients are sent away and streams may end in peace. Together with the grace it
 * must stay below the life of a certificate: whose certificate has ended is out within that time.
 */
const CONNECTION_AGE_MS = 20 * 60_000
/** Longer than a hop stream lives, so that streams end by their own age and none is cut. */
const CONNECTION_AGE_GRACE_MS = STREAM_AGE_MS + 2 * 60_000

/** A silent peer is found dead after the sum of these two. */
const KEEPALIVE_MS = 20_000
const KEEPALIVE_TIMEOUT_MS = 10_000

/** Several batches fit on the way: with HTTP/2's 64 kB a batch of full size would wait for a round trip. */
const FLOW_CONTROL_WINDOW_BYTES = 1024 * 1024

/** Calls at once on one connection; the next ones wait at the client. */
const CONCURRENT_STREAMS_MAX = 1_000

const SHARED: ChannelOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.keepalive_time_ms': KEEPALIVE_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
}

export const SERVER_OPTIONS: ChannelOptions = {
  ...SHARED,
  'grpc.max_connection_age_ms': CONNECTION_AGE_MS,
  'grpc.max_connection_age_grace_ms': CONNECTION_AGE_GRACE_MS,
  'grpc.max_concurrent_streams': CONCURRENT_STREAMS_MAX,
  // @NOTE Channelz stays on, though nobody reads it: without it `forceShutdown` of grpc-js 1.14 knows no connection to cut.
}

export const CLIENT_OPTIONS: ChannelOptions = {
  ...SHARED,
  'grpc.enable_channelz': 0,
  // Short: a replica that comes back at its address must be reached before those give up who wait for it (4 s).
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 300,
  // Repeating is the caller's decision, made with what it knows of its request.
  'grpc.enable_retries': 0,
  // Peers are reached straight, whatever http_proxy says, and told how by nobody's DNS TXT record.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  // Two clients of one process that speak with different certificates must not share a connection.
  'grpc.use_local_subchannel_pool': 1,
}
