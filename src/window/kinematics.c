/* SPDX-License-Identifier: Apache-2.0 */
/* kinematics.c - features of a gesture, see kinematics.h. */
#include "window/kinematics.h"

const char *idem_feature_words(uint32_t feature, bool more)
{
    static const char *const words[][2] = {
        [IDEM_FEATURE_LENGTH] = {"travels shorter ways", "travels longer ways"},
        [IDEM_FEATURE_DURATION] = {"makes shorter movements", "makes longer movements"},
        [IDEM_FEATURE_STRAIGHTNESS] = {"takes less direct ways", "takes straighter ways"},
        [IDEM_FEATURE_SPEED_MEAN] = {"moves slower", "moves faster"},
        [IDEM_FEATURE_SPEED_SD] = {"moves at a steadier speed", "changes speed more"},
        [IDEM_FEATURE_SPEED_MAX] = {"reaches lower top speeds", "reaches higher top speeds"},
        [IDEM_FEATURE_PEAK_TIME] = {"reaches top speed earlier", "reaches top speed later"},
        [IDEM_FEATURE_ACCELERATION] = {"accelerates more gently", "accelerates harder"},
        [IDEM_FEATURE_JERK] = {"moves more smoothly", "moves more jerkily"},
        [IDEM_FEATURE_TURN_RATE] = {"turns more slowly", "turns more quickly"},
        [IDEM_FEATURE_TURN_SUM] = {"curves less", "curves more"},
        [IDEM_FEATURE_CURVATURE] = {"bends less tightly", "bends more tightly"},
        [IDEM_FEATURE_SPEED_END] = {"stops more abruptly", "ends movements faster"},
        [IDEM_FEATURE_SPEED_START] = {"starts more gently", "starts faster"},
    };
    if (feature >= sizeof words / sizeof words[0])
        return 0;
    return words[feature][more];
}
