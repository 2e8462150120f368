// ascend-api.md, section 3.10.
#ifndef ACLNNOP_LEVEL2_ACLNN_ROPE_WITH_SIN_COS_CACHE_H_
#define ACLNNOP_LEVEL2_ACLNN_ROPE_WITH_SIN_COS_CACHE_H_

#include "aclnn/aclnn_base.h"

#ifdef __cplusplus
extern "C" {
#endif

aclnnStatus aclnnRopeWithSinCosCacheGetWorkspaceSize(const aclTensor *positions, const aclTensor *queryIn,
                                                     const aclTensor *keyIn, const aclTensor *cosSinCache,
                                                     const aclIntArray *mropeSection, int64_t headSize,
                                                     bool isNeoxStyle, aclTensor *queryOut, aclTensor *keyOut,
                                                     uint64_t *workspaceSize, aclOpExecutor **executor);
aclnnStatus aclnnRopeWithSinCosCache(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor,
                                     aclrtStream stream);

#ifdef __cplusplus
}
#endif

#endif
