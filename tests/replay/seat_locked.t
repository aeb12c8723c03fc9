# What is typed at a locked screen is in no window and before no guard; what was begun is gone.
device 1 keyboard
device 2 keyboard
settings collect keys=5
presence present 1
tap 1 KEY_T 92
wait 110
tap 1 KEY_H 81
wait 88
tap 1 KEY_E 104
wait 133
tap 1 KEY_Q 77
wait 59
presence locked
tap 1 KEY_T 92
wait 110
tap 1 KEY_H 81
wait 88
tap 1 KEY_E 104
wait 133
tap 1 KEY_Q 77
wait 59
tap 1 KEY_U 96
wait 150
tap 1 KEY_I 88
wait 71
tap 1 KEY_C 110
wait 180
tap 1 KEY_K 71
wait 64
tap 1 KEY_T 99
wait 205
tap 1 KEY_H 85
wait 97
tap 2 KEY_T 2
wait 6
tap 2 KEY_H 2
wait 6
tap 2 KEY_E 2
wait 6
tap 2 KEY_Q 2
wait 6
tap 2 KEY_U 2
wait 6
tap 2 KEY_I 2
wait 6
tap 2 KEY_C 2
wait 6
tap 2 KEY_K 2
wait 6
tap 2 KEY_T 2
wait 6
tap 2 KEY_H 2
wait 6
tap 2 KEY_E 2
wait 6
tap 2 KEY_Q 2
wait 6
tap 2 KEY_U 2
wait 6
tap 2 KEY_I 2
wait 6
tap 2 KEY_C 2
wait 6
tap 2 KEY_K 2
wait 6
tap 2 KEY_T 2
wait 6
tap 2 KEY_H 2
wait 6
tap 2 KEY_E 2
wait 6
tap 2 KEY_Q 2
wait 6
presence present 2
tap 1 KEY_T 92
wait 110
tap 1 KEY_H 81
wait 88
tap 1 KEY_E 104
wait 133
tap 1 KEY_Q 77
wait 59

