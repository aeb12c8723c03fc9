# The kernel lost events: a gap. Four keystrokes, a key down and lost, four more: one window, not two.
device 1 keyboard
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
1 KEY_A 1
1 SYN_REPORT
wait 100
1 SYN_DROPPED
1 KEY_S 1
1 KEY_S 0
1 SYN_REPORT
wait 200
1 KEY_A 0
1 SYN_REPORT
wait 200
tap 1 KEY_T 92
wait 110
tap 1 KEY_H 81
wait 88
tap 1 KEY_E 104
wait 133
tap 1 KEY_Q 77
wait 59

window keyboard 5
