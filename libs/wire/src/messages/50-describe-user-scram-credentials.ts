import { api } from '../api';
import { array, int16, int32, int8, nullable, string } from '../schema';

/** DescribeUserScramCredentials: which users can authenticate by SCRAM. v0: flexible already. */
export const DescribeUserScramCredentials = api(
  50,
  { name: 'DescribeUserScramCredentials', versions: '0-0', flexible: '0+' },
  {
    request: { users: nullable(array({ name: string })) },
    response: {
      throttleTimeMs: int32.default(0),
      errorCode: int16,
      errorMessage: nullable(string),
      results: array({
        user: string,
        errorCode: int16,
        errorMessage: nullable(string),
        credentialInfos: array({ mechanism: int8, iterations: int32 }),
      }),
    },
  },
);
