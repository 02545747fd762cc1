/** The version of this protocol, told in `authenticate`'s `server.protocol`. This file uses no library. */
export const PROTOCOL_VERSION = 1;
